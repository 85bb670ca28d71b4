def main() -> None:
    print("mai")
