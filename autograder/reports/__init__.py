"""What people get from a grade: a feedback page for each student, a report on the class, exports.

Every page is one file that needs no other, loads nothing and runs no script: its own security policy forbids
both, and whatever a student wrote is escaped on the way in.
"""
