"""A network controls the body: the closed loop over time"""
