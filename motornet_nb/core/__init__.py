"""What every model is made of: checked parameters, configurations, equality, recipes"""
