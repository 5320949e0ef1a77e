# TAB for `python src/train.py` and its like, in fish; see completion.sh. Hydra says what can be typed.

function _is_command
    set -l parts (commandline -opc)
    test (count $parts) -ge 2; and grep -qs '^@command(' $parts[2]
end

function _complete_command
    set -l parts (commandline -opc)
    set -l line (commandline -cp)
    COMP_LINE="python train.py"(string split -m 1 -- $parts[2] $line)[2] \
        $parts[1] $parts[2] -sc query=fish 2>/dev/null
end

for python in python python3 .venv/bin/python
    complete -c $python -n _is_command -f -a '(_complete_command)'
end
