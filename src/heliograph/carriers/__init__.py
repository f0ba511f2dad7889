"""One port, many siblings: a carrier turns an attempt into an outcome, and foreign reports into our facts."""
