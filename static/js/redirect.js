// A page whose only form takes the person further by itself; its button works without this.
document.getElementById('redirect').submit()
