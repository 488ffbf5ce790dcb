"""An attention-guided generator that repaints one kind of object, and a twin that learned the scenery."""
