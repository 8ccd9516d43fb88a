"""PLONKish tables: expressions over the cells of a row, buses, and the flat program that every reader shares."""
