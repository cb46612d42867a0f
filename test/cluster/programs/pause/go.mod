module pause

go 1.20
