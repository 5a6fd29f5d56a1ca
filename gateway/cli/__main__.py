"""`python -m gateway.cli`: the same as the installed `gateway` command, whatever PATH holds."""

from gateway.cli import main

main()
