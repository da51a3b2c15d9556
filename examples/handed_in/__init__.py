"""What the example class handed in: one module for each kind of student, one for the files."""
