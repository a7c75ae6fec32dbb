"""``python -m rtdeclip``: the command line."""

from rtdeclip.cli.main import main

main()
