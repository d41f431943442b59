"""Reading and validation of audio clips."""
