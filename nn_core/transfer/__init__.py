"""What is done with a trained network: start another from it, freeze parts, distil it, prune it."""
