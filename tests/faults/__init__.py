"""The fault list: 46 ways in which files, disks and machines fail, and what calib does about each."""
