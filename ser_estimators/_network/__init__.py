"""What prediction with a network needs: layers, models, views, inference."""
