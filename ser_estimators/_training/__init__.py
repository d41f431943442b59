"""What only the training of a network needs: data, batches, augmentation, loop."""
