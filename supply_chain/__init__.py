"""Whether what the project is made of is vulnerable, and may be used. Development only; imports nothing of Tandem."""
