"""The tutorial's program, written by hand for each framework."""
