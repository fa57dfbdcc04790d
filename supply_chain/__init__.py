"""Whether what the project is made of is known to be vulnerable. Development only; it imports nothing of Tandem."""
