"""How the network learns: losses, optimizers, checkpoints, training"""
