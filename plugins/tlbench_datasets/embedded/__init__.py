"""Offer digits and letters that need no download: scanned by scikit-learn, or drawn from matplotlib's fonts."""
