"""What a handset can show and count: numbers, alphabets, segments, pages, references. Pure."""
