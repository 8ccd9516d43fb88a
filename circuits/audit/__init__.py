"""The witness audit: a cheating prover that attacks every gadget and table, knowing none by name.

The claim under attack is that what a row is given determines what it decides (`relation` says
which is which).  The attack bends one cell or one decision of an honest row and repairs every other
cell it controls (`repair`); a row with another decision that breaks nothing is a hole, and one that
breaks exactly one declaration shows that this declaration is needed (`attack`).
"""
