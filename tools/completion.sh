# TAB for `python src/train.py` and its like, in bash and zsh: every option, key and experiment.
# `make completion` has .venv/bin/activate read this file. What can be typed is Hydra's to say; the
# function that Hydra itself installs would run any script after `python` to ask, so this one asks
# only commands of this project, leaves bash's word breaks alone, and completes lists: a,b and [a,b].

_complete_command() {
  local line=${COMP_LINE:0:$COMP_POINT} script arguments word key last head="" choices
  script=${line#* }
  script=${script%% *}
  grep -qs '^@command(' "$script" || return 0 # not ours: file names, as ever
  arguments=${line#*"$script"}
  word=${line##* }
  if [[ $word == *=* ]]; then
    key=${word%%=*}
    last=${word##*[=,\[]}
    head=${word%"$last"}
    arguments="${arguments%"$word"}$key=$last"
    word=$key=$last
  fi
  choices=$(COMP_LINE="python train.py$arguments" "${line%% *}" "$script" -sc query=bash 2> /dev/null)
  COMPREPLY=($(compgen -W "$choices" -- "$word"))
  if [ -n "$head" ]; then
    COMPREPLY=("${COMPREPLY[@]/#"$key="/$head}")
    # Readline replaces only what follows the "=" where that breaks words.
    [[ ${COMP_WORDBREAKS:-} != *=* ]] || COMPREPLY=("${COMPREPLY[@]#"$key="}")
  fi
}

if [ -n "${ZSH_VERSION:-}" ]; then
  autoload -U +X compinit && compinit -u
  autoload -U +X bashcompinit && bashcompinit
fi
complete -o nospace -o bashdefault -o default -F _complete_command \
  python python3 .venv/bin/python ./.venv/bin/python
