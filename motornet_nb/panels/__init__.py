"""Widgets: build, watch, explore"""
