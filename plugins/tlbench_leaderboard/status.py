"""Name what reruns may say of a row."""

VERIFIED = "verified"  # a sample of its records was rerun, and stands
UNVERIFIED = "unverified"  # a record could not be rerun, or a failure did not come again
REFUTED = "refuted"  # a record did not stand
NOT_VERIFIED = "not verified"  # nobody has looked
