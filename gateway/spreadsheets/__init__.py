"""Tables that people made, CSV and XLSX, as one stream of lines with the addresses of their cells."""
