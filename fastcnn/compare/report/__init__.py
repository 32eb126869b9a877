"""What people and programs read of a comparison, each form made from results.json's document."""
