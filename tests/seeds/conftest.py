"""The five tutorials that the course grew from, run on today's TensorFlow with this library.

One file a seed. What a seed prints is checked to the last digit it can be; what it says and gets
wrong is checked to be wrong, so that nobody repeats it.
"""
