"""Second reference project: will a flight leaving New York in 2013 arrive more than 15 minutes late?"""
