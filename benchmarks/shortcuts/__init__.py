"""A zoo of small networks whose reliance on a cue is known, and how well camaudit finds the guilty ones."""
