"""Bokeh figures that Python moves"""
