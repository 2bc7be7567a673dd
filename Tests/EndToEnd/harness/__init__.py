"""What the end-to-end tests share: instances of Sampan, clusters in them, and what is on the system."""
