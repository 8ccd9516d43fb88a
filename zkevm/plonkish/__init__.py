"""PLONKish tables: expressions over the cells of a row, buses, and the program they flatten to."""
