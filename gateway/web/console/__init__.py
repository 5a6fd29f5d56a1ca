"""The console of agents, under /console. `shell.py` says who may see which screen; each other file is one subject."""
