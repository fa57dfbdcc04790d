"""Reference project: minutes in the air of flights leaving New York in 2013."""
