"""The commands. Each module has `add(commands)`, which describes it, and the function that does it."""

from desk.commands import bench, demo, kb, mail, migrate, people, serve, simulate, staff

COMMANDS = (serve, migrate, demo, people, mail, kb, simulate, staff, bench)
