"""What nbgrader loads from ``nbgrader_config.py``: preprocessors, an exporter, the configuration."""
