"""What people may ask of their data: that it is erased, or only kept; and letting go of it when its time is over."""
