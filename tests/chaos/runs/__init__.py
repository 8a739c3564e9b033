"""The acceptance runs, one a file: each sets up its world, does its harm, and reports."""
