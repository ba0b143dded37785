"""Scalar functions that need one line of DuckDB's SQL; the others are in specials.py."""

from __future__ import annotations

from typing import Final

_SPACES: Final = "chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || ' '"

_UPPER: Final = (
    # DuckDB has a capital of ß, Java has none.
    "CASE WHEN contains({0}, 'ß') "
    "THEN array_to_string(list_transform(string_split({0}, 'ß'), lambda u: upper(u)), 'ß') ELSE upper({0}) END"
)
_POSITION: Final = "coalesce(list_position({0}, {1}), CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE 0 END)"

TABLE: Final = rf"""
length(varchar) -> bigint : length({{0}})
lower(varchar) -> varchar : lower({{0}})
upper(varchar) -> varchar : {_UPPER}
reverse(varchar) -> varchar : reverse({{0}})
trim(varchar) -> varchar : trim({{0}}, {_SPACES})
ltrim(varchar) -> varchar : ltrim({{0}}, {_SPACES})
rtrim(varchar) -> varchar : rtrim({{0}}, {_SPACES})
trim(varchar, varchar) -> varchar : trim({{0}}, {{1}})
ltrim(varchar, varchar) -> varchar : ltrim({{0}}, {{1}})
rtrim(varchar, varchar) -> varchar : rtrim({{0}}, {{1}})
replace(varchar, varchar) -> varchar : replace({{0}}, {{1}}, '')
replace(varchar, varchar, varchar) -> varchar : replace({{0}}, {{1}}, {{2}})
starts_with(varchar, varchar) -> boolean : starts_with({{0}}, {{1}})
strpos(varchar, varchar) -> bigint : strpos({{0}}, {{1}})
translate(varchar, varchar, varchar) -> varchar : translate({{0}}, {{1}}, {{2}})
concat_ws(varchar, varchar...) -> varchar : concat_ws({{*}})
md5(varbinary) -> varbinary : unhex(md5({{0}}))
sha256(varbinary) -> varbinary : unhex(sha256({{0}}))
sha1(varbinary) -> varbinary : unhex(sha1({{0}}))
to_hex(varbinary) -> varchar : hex({{0}})
from_hex(varchar) -> varbinary : unhex({{0}})
to_base64(varbinary) -> varchar : to_base64({{0}})
from_base64(varchar) -> varbinary : from_base64({{0}})
to_utf8(varchar) -> varbinary : encode({{0}})
from_utf8(varbinary) -> varchar : decode({{0}})
length(varbinary) -> bigint : octet_length({{0}})
abs(N) -> N : abs({{0}})
sqrt(double) -> double : CASE WHEN {{0}} < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt({{0}}) END
cbrt(double) -> double : cbrt({{0}})
exp(double) -> double : exp({{0}})
power(double, double) -> double : pow({{0}}, {{1}})
pow(double, double) -> double : pow({{0}}, {{1}})
sin(double) -> double : sin({{0}})
cos(double) -> double : cos({{0}})
tan(double) -> double : tan({{0}})
atan(double) -> double : atan({{0}})
atan2(double, double) -> double : atan2({{0}}, {{1}})
degrees(double) -> double : degrees({{0}})
radians(double) -> double : radians({{0}})
pi() -> double : pi()
e() -> double : exp(CAST(1 AS DOUBLE))
nan() -> double : CAST('nan' AS DOUBLE)
infinity() -> double : CAST('inf' AS DOUBLE)
is_nan(double) -> boolean : isnan({{0}})
is_infinite(double) -> boolean : isinf({{0}})
is_finite(double) -> boolean : isfinite({{0}})
bitwise_and(bigint, bigint) -> bigint : ({{0}} & {{1}})
bitwise_or(bigint, bigint) -> bigint : ({{0}} | {{1}})
bitwise_xor(bigint, bigint) -> bigint : xor({{0}}, {{1}})
bitwise_not(bigint) -> bigint : (~{{0}})
year(W) -> bigint : year({{0}})
quarter(W) -> bigint : quarter({{0}})
month(W) -> bigint : month({{0}})
week(W) -> bigint : week({{0}})
week_of_year(W) -> bigint : week({{0}})
year_of_week(W) -> bigint : isoyear({{0}})
yow(W) -> bigint : isoyear({{0}})
day(W) -> bigint : day({{0}})
day_of_month(W) -> bigint : day({{0}})
day_of_week(W) -> bigint : isodow({{0}})
dow(W) -> bigint : isodow({{0}})
day_of_year(W) -> bigint : dayofyear({{0}})
doy(W) -> bigint : dayofyear({{0}})
last_day_of_month(W) -> date : last_day({{0}})
hour(timestamp) -> bigint : hour({{0}})
minute(timestamp) -> bigint : minute({{0}})
second(timestamp) -> bigint : second({{0}})
millisecond(timestamp) -> bigint : (millisecond({{0}}) % 1000)
to_unixtime(timestamp) -> double : (epoch_us({{0}}) / CAST(1000000 AS DOUBLE))
cardinality(array(T)) -> bigint : len({{0}})
cardinality(map(K, V)) -> bigint : cardinality({{0}})
array_sort(array(O)) -> array(O) : list_sort({{0}}, 'ASC', 'NULLS LAST')
array_join(array(varchar), varchar) -> varchar : array_to_string({{0}}, {{1}})
array_position(array(O), O) -> bigint : {_POSITION}
reverse(array(T)) -> array(T) : list_reverse({{0}})
flatten(array(array(T))) -> array(T) : flatten({{0}})
map_keys(map(K, V)) -> array(K) : map_keys({{0}})
map_values(map(K, V)) -> array(V) : map_values({{0}})
split(varchar, varchar) -> array(varchar) : string_split({{0}}, {{1}})
"""

MAY_BE_NAN: Final = frozenset(("sqrt", "nan", "pow", "power", "sin", "cos", "tan"))

OF_TRINO_WORDS: Final = """
abs acos all_match any_match any_value approx_distinct approx_most_frequent approx_percentile arbitrary
array_agg array_distinct array_except array_first array_histogram array_intersect array_join array_last
array_max array_min array_position array_remove array_sort array_union arrays_overlap asin at_timezone atan
atan2 avg bar beta_cdf bing_tile bit_count bitwise_and bitwise_and_agg bitwise_left_shift bitwise_not
bitwise_or bitwise_or_agg bitwise_right_shift bitwise_right_shift_arithmetic bitwise_xor bitwise_xor_agg
bool_and bool_or cardinality cbrt ceil ceiling char2hexint checksum chr classify codepoint coalesce color
combinations concat concat_ws contains contains_sequence convex_hull_agg corr cos cosh cosine_distance
cosine_similarity count count_if covar_pop covar_samp crc32 cume_dist current_catalog current_date
current_groups current_schema current_timestamp current_timezone current_user date date_add date_diff
date_format date_parse date_trunc day day_of_month day_of_week day_of_year degrees dense_rank dot_product dow
doy e element_at empty_approx_set euclidean_distance evaluate_classifier_predictions every exp features filter
first_value flatten floor format format_datetime format_number from_base from_base32 from_base64
from_base64url from_big_endian_32 from_big_endian_64 from_encoded_polyline from_geojson_geometry from_hex
from_ieee754_32 from_ieee754_64 from_iso8601_date from_iso8601_timestamp from_iso8601_timestamp_nanos
from_unixtime from_unixtime_nanos from_utf8 geometric_mean great_circle_distance greatest hamming_distance
hash_counts histogram hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 hour human_readable_seconds if index infinity
intersection_cardinality inverse_beta_cdf inverse_normal_cdf is_finite is_infinite is_json_scalar is_nan
jaccard_index json_array json_array_contains json_array_get json_array_length json_exists json_extract
json_extract_scalar json_format json_object json_parse json_query json_size json_value kurtosis lag
last_day_of_month last_value lead learn_classifier least length levenshtein_distance line_locate_point listagg
ln localtime localtimestamp log log10 log2 lower lpad ltrim luhn_check make_set_digest map map_agg map_concat
map_entries map_filter map_from_entries map_keys map_union map_values map_zip_with max max_by md5 merge
merge_set_digest millisecond min min_by minute mod month multimap_agg multimap_from_entries murmur3 nan ngrams
none_match normal_cdf normalize now nth_value ntile nullif numeric_histogram parse_data_size parse_datetime
parse_duration parse_presto_data_size percent_rank pi position pow power qdigest_agg quantile_at_value quarter
radians rand random rank reduce reduce_agg regexp_count regexp_extract regexp_extract_all regexp_like
regexp_position regexp_replace regexp_split regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
regr_sxx regr_sxy regr_syy render repeat replace reverse rgb round row_number rpad rtrim second sequence sha1
sha256 sha512 shuffle sign simplify_geometry sin sinh skewness slice soundex split split_part split_to_map
split_to_multimap spooky_hash_v2_32 spooky_hash_v2_64 sqrt st_area st_point starts_with stddev stddev_pop
stddev_samp strpos substr substring sum tan tanh tdigest_agg timestamp_objectid timezone timezone_hour
timezone_minute to_base to_base32 to_base64 to_base64url to_big_endian_32 to_geojson_geometry to_hex
to_ieee754_32 to_ieee754_64 to_iso8601 to_milliseconds to_unixtime to_utf8 transform transform_keys
transform_values translate trim trim_array truncate try typeof upper url_decode url_encode
url_extract_fragment url_extract_host url_extract_parameter url_extract_path url_extract_port
url_extract_protocol url_extract_query uuid value_at_quantile values_at_quantiles var_pop var_samp variance
version week week_of_year width_bucket wilson_interval_lower wilson_interval_upper with_timezone word_stem
xxhash64 year year_of_week yow zip zip_with date
"""
OF_TRINO: Final = frozenset(OF_TRINO_WORDS.split())
"""Functions that Trino has (Trino 476 documentation, "List of functions by topic"), emulated or not."""
