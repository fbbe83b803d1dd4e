"""The tutorial's program, hand-written for each framework."""
