"""The digits network trained again with other seeds, and one that was tuned on and came to look elsewhere."""
