# Reference results for the decomposition of a two-way estimate into its two-by-two comparisons, made in R.
#
#   Rscript make_bacondecomp.R     (run it from this folder; seconds)
#
# Versions used: see SOURCE.md. Only the results are needed by the tests; R isn't.

suppressMessages(library(bacondecomp))
shared <- Sys.getenv("SHARED", "../../../../shared")

exact <- function(v) {                   # 15 digits; nothing where R has NA
  if (!is.numeric(v)) return(v)
  s <- sprintf("%.15g", v)
  s[is.na(v)] <- ""
  s
}
write_exact <- function(d, file, quote = FALSE) {
  write.csv(as.data.frame(lapply(d, exact)), file, row.names = FALSE, quote = quote, na = "")
}
panel <- read.csv("../did/panel.csv")
mpdta <- with(read.csv(file.path(shared, "open-data/mpdta/mpdta.csv")),
              data.frame(unit = countyreal, period = year, cohort = first.treat, x1 = lpop, y = lemp))
joined <- function(d) { d$joined <- as.integer(d$cohort > 0 & d$period >= d$cohort); d }
data <- list(panel = joined(panel), mpdta = joined(mpdta), panel_no_never = joined(panel[panel$cohort > 0, ]),
             mpdta_no_never = joined(mpdta[mpdta$cohort > 0, ]), panel_binary = transform(joined(panel), y = binary))

parts <- wholes <- NULL
for (name in names(data)) {
  b <- bacon(y ~ joined, data = data[[name]], id_var = "unit", time_var = "period", quietly = TRUE)
  parts <- rbind(parts, data.frame(data = name, treated = b$treated, comparison = ifelse(b$untreated > 9000, 0, b$untreated),
                                   estimate = b$estimate, weight = b$weight, type = b$type))
  two_way <- coef(lm(y ~ joined + factor(unit) + factor(period), data[[name]]))[["joined"]]
  stopifnot(abs(sum(b$estimate * b$weight) - two_way) < 1e-9, abs(sum(b$weight) - 1) < 1e-9)
  wholes <- rbind(wholes, data.frame(data = name, two_way, n = nrow(data[[name]])))
}
write_exact(parts, "two_by_two.csv")
write_exact(wholes, "two_way.csv")
cat(nrow(parts), "comparisons\n")
