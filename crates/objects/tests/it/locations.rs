//! How operators say where objects are.

use agentchat_objects::Location;

fn bucket(bucket: &str, prefix: &str, endpoint: Option<&str>, region: Option<&str>) -> Location {
    let (endpoint, region) = (endpoint.map(str::to_owned), region.map(str::to_owned));
    Location::Bucket { bucket: bucket.into(), prefix: prefix.into(), endpoint, region }
}

#[test]
fn folders_and_buckets_are_understood() {
    for (text, location) in [
        ("file:objects", Location::folder("objects")),
        ("file:/var/objects", Location::folder("/var/objects")),
        ("file:///var/objects", Location::folder("/var/objects")),
        ("s3://bytes", bucket("bytes", "", None, None)),
        ("s3://bytes/a/b/", bucket("bytes", "a/b", None, None)),
        ("s3://bytes?region=eu-1", bucket("bytes", "", None, Some("eu-1"))),
        (
            "s3://bytes/a?endpoint=https://s3.example.com:9000/&region=eu-1",
            bucket("bytes", "a", Some("https://s3.example.com:9000"), Some("eu-1")),
        ),
    ] {
        assert_eq!(text.parse(), Ok(location), "{text}");
    }
}

#[test]
fn anything_else_is_refused_with_what_to_write() {
    for (text, complaint) in [
        ("objects", "`objects` is neither file:DIR nor s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME]"),
        ("file:", "`file:` names no folder or bucket"),
        ("s3://?region=a", "`s3://?region=a` names no folder or bucket"),
        ("s3://b?zone=a", "`zone=a` is not a parameter of a bucket: there are endpoint=URL and region=NAME"),
        ("s3://b?region=", "`region=` is not a parameter of a bucket: there are endpoint=URL and region=NAME"),
        ("s3://b?endpoint=minio:9000", "the endpoint `minio:9000` is not a http:// or https:// URL"),
    ] {
        assert_eq!(text.parse::<Location>().unwrap_err().to_string(), complaint);
    }
}

#[test]
fn a_location_prints_without_what_might_be_secret() {
    let location: Location = "s3://bytes/a?endpoint=https://user:secret@s3.example.com".parse().unwrap();
    assert_eq!(location.to_string(), "s3://bytes/a");
}
