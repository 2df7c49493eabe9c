"""`python -m pumgpt`: the command line, for those whose PATH lacks the script."""

from pumgpt.cli.main import main

if __name__ == "__main__":
    main(prog_name="pumgpt")
