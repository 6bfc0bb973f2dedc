"""What our HTML pages share: layout, policy and style; hostile text made safe and visible; numbers for people."""
