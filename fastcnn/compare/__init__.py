"""`fastcnn compare`: models on identical splits, measured, tested and reported."""
