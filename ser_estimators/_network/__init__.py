"""Networks and prediction: layers, models, views, inference."""
