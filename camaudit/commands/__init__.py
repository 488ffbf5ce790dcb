"""The commands of the command line, one module for each group of them; `camaudit.cli` holds their table."""
