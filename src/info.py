"""Print versions, devices and the state of the optional parts, for a bug report.

python src/info.py
"""


def main() -> None:
    """Print it."""
    from quintet.commands.info import report

    print(report())


if __name__ == "__main__":
    main()
