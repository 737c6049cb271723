pub fn generate_key(_: &std::path::Path, _: &std::path::Path) -> Result<(), crate::ClientError> {
    Ok(())
}
