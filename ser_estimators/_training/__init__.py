"""Training of networks: data, batches, augmentation, training loop."""
